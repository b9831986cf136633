"""Models, losses and trainers in PyTorch.

device       devices, seeds, images to tensors and back
networks     encoders and decoders, generators and discriminators
layers       what Keras has and PyTorch has not, or has otherwise
likelihoods  of pixels
vae          models, the ELBO, its step, and its tighter kin
gan          losses, penalties, steps of the game, samples
remedies     steps and a recipe against mode collapse
game         two networks at play, to be laid down and taken up
diffusion    paths from data to noise, samplers that go back
unet         the network that predicts on images
training     train_vae, evaluate_vae, train_gan
wave_functions  of a chain of spins, and their local energies
weights      to NumPy and back, and those that ship
summary      tables of layers
"""
