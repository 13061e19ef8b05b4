"""From a command and its tasks to a run: which network, which rule, which episodes."""

from typing import Final

from homeostat.events import MetaTraining
from homeostat.services.maml_trainer.backbones import Backbone, Conv, Mlp, Module
from homeostat.services.maml_trainer.data.episode_sampler import EpisodeSampler
from homeostat.services.maml_trainer.data.task_reader import Collected
from homeostat.services.maml_trainer.data.task_sampler import Sampler, TaskSampler
from homeostat.services.maml_trainer.errors import TaskMalformed
from homeostat.services.maml_trainer.meta.algorithms import Algorithm, Rule
from homeostat.services.maml_trainer.meta.meta_parameters import INITIAL_LR, MetaParameters
from homeostat.services.maml_trainer.meta.network import Network
from homeostat.services.maml_trainer.meta.outer_loop import MetaConfig
from homeostat.services.maml_trainer.settings import MamlTrainerSettings

_HIDDEN: Final = 64


def config_of(
    spec: MetaTraining, tasks: Collected, settings: MamlTrainerSettings, current: MetaParameters | None
) -> MetaConfig:
    """Make the run that a command asks for.

    Current weights of the same rule keep their network, whatever the settings say by now; a user's own
    network counts only for what has none.

    Args:
        spec: Of the command.
        tasks: At least one to train on.
        settings: Of the trainer.
        current: Weights in force; they fit the tasks.

    Raises:
        TaskMalformed: Rows are not the images that the command says they are.
        NetworkRefused: The user's network cannot be trained exactly.
    """
    width, ways = tasks.train[0].support_x.shape[1], spec.episodes.ways
    n_outputs = 1 if ways or not tasks.n_classes else tasks.n_classes
    rule = Rule(_algorithm(spec, tasks), spec.inner_steps)
    network = Network(_backbone(spec, tasks, settings, width), n_outputs)
    if current is not None and current.rule == rule:
        network = current.network
    return MetaConfig(
        network=network,
        seed=spec.seed,
        rule=rule,
        n_steps=spec.n_steps,
        tasks_per_step=spec.episodes.per_step,
        shots=spec.episodes.shots,
        rate=spec.inner_rate or INITIAL_LR,
    )


def training_pool(spec: MetaTraining, tasks: Collected, network: Network, device: str) -> Sampler:
    """Make the sampler that episodes are drawn from.

    Args:
        spec: Of the command.
        tasks: At least one to train on.
        network: Whose inputs and outputs they must fit.
        device: As `device_of`.

    Raises:
        TaskMalformed: A task does not fit.
    """
    episodes = spec.episodes
    if not episodes.ways:
        return TaskSampler(
            tasks.train, network.backbone.n_inputs, network.n_outputs, n_queries=episodes.queries, device=device
        )
    return EpisodeSampler(
        tasks.train,
        episodes.ways,
        n_queries=episodes.queries,
        max_shots=max(episodes.shots),
        image=spec.image if episodes.turned else None,
        device=device,
    )


def _algorithm(spec: MetaTraining, tasks: Collected) -> Algorithm:
    if spec.algorithm != "auto":
        return spec.algorithm
    # A retrain goes on by gradient steps from a start for fixed labels; the others are adapted to as they are.
    return "bayesian_last_layer" if spec.episodes.ways or not tasks.n_classes else "maml"


def _backbone(spec: MetaTraining, tasks: Collected, settings: MamlTrainerSettings, width: int) -> Backbone:
    if spec.image is not None:
        backbone = Conv(spec.image)
        if backbone.n_inputs != width:
            raise TaskMalformed(
                tasks.train[0].task_id, f"rows have {width} numbers, images of {spec.image} {backbone.n_inputs}"
            )
        return backbone
    if settings.network:
        return Module(settings.network, width)
    # A retrain goes on from a network for labels, and its recipe has one hidden layer; one cannot bend a line much.
    return Mlp((width, *(settings.hidden or ((_HIDDEN,) if tasks.train[0].is_classification else (_HIDDEN, _HIDDEN)))))
