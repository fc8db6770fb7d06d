"""What a data set gives away: copies, repeated captures, sessions, doubtful labels, shortcuts. No PyTorch."""
