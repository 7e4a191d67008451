"""Soundness of designs by brute force: random designs, a judge of them, and a long comparison."""
