"""What holds for every test."""

import os
from pathlib import Path

# Every client of Inngest loads the certificates of all authorities, twice: 40 ms and 1.6 MB each,
# and tests make thousands. None of them needs one; a folder without certificates costs nothing.
# Here and not in a fixture, since some clients are made as modules are imported.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)
