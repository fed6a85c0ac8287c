"""What the exercises of 09 ask for."""
