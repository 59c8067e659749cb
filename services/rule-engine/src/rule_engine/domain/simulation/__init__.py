"""Rule sets and workflows in virtual time, without effects, on the core that runs them."""
