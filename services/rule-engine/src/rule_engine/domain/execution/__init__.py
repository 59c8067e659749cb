"""What a run does: programs, states, steps, and how they are explained."""
