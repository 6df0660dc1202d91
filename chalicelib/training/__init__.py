"""What is learned of a connection's population. Pure, standard library only."""
