"""What surrounds an input: units that flip nearby, the nearest boundary, spline features."""
