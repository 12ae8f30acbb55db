"""The networks of the course in PyTorch: N×C×H×W in here, N×H×W×C at every door to the outside."""
