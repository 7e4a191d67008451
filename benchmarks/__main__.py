"""`python -m benchmarks [NAME…]`: all measurements, or those named."""

import sys
from importlib import import_module

NAMES = (
    *("compiling", "stepping", "starting", "local_engine", "long_programs"),
    *("items", "lookups", "service", "page"),
)


def main() -> int:
    wanted = sys.argv[1:] or NAMES
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in wanted:
        import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
