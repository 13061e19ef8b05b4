"""The demo: 24 digit-reading cameras, real digits and real training under induced trouble."""
