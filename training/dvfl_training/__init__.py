"""Training: data, losses, trainers. Imports dvfl, never the other way round."""
