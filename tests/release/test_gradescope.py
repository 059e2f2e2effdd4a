"""gradescope.zip, built and run where Gradescope puts it: its log, its results, and a kill in the middle."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import jsonschema
import pytest
from platform_schemas import GRADESCOPE

sys.path.insert(0, str(Path(__file__).parent))
