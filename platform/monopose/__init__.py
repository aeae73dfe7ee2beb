"""monopose: reproduce, cross, tune and serve methods for 3D human pose from one camera."""

__version__ = "0.1.0"
