"""A local Kubernetes cluster: kind where Docker runs, a node of our own where it does not."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - run by whatever python3 a machine has
    sys.stderr.write(f"The local cluster needs Python 3.11 or newer; this is {sys.version.split()[0]}.\n")
    raise SystemExit(2)
