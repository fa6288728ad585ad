"""Names for the arrays that the engine passes around; shapes are given where they are used."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # pictures and mattes of 8 bits
Bytes = NDArray[np.uint8]  # other numbers of 8 bits
Floats = NDArray[np.floating[Any]]  # mattes from 0 to 1, linear light, tensors
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]
