"""Arrays that the course works on, and what counts as one.

mnist     digits: a sample that ships, or all of them
mixtures  points of narrow modes, whose truth is known
ising     spins on a lattice at a temperature, drawn in clusters
latent    points of a normal prior and ways between them
images    what counts as a batch of images, or of points
tables    one array out of a table of text
your_files  one array out of somebody's file
rows      arrays of any shape as rows of finite numbers
your_data   what they are: images, rows or bits
shapes    shapes that must be equal
download  one file from the network, or the reason why not
"""
