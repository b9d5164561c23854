"""Read by every Python that starts with this folder on its path: the witness of tests/dialling.py, if it is wanted."""

import os
import sys
from pathlib import Path

if "SUCHLIKE_WITNESS" in os.environ:
    sys.path.append(str(Path(__file__).parent.parent))
    import dialling

    dialling.begin(os.environ["SUCHLIKE_WITNESS"])
