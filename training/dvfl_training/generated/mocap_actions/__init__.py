"""Human actions, rendered from the motion capture that the pybullet package ships."""
