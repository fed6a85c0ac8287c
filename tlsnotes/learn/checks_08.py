"""What the exercises of 08 ask for."""
