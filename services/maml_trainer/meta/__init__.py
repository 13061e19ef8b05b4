"""Meta-training: how a network adapts to a task, and how the start of that is learned."""
