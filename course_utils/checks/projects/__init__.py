"""The judges of the projects, one file each: numbers to reach, over unseen seeds."""
