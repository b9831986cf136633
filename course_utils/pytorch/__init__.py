"""Models, losses and trainers in PyTorch: `runtime`, `vae`."""
