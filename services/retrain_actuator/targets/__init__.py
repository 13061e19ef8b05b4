"""What a retrain acts on: a recipe, as a process with limits or in this process."""
