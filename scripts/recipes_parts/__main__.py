"""Runs the checks of the recipes that are named. scripts/check_recipes and scripts/check_spark start this."""

import importlib
import signal
import sys
import time
import traceback

from support import Failed, Logs, Skipped, folder

ROWS = {"engines": 3_000, "state_machines": 3_000, "slurm": 12_000, "spark": 6_000}


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    failed = skipped = 0
    for name in sys.argv[1:]:
        module = importlib.import_module(name)
        print(module.__doc__.splitlines()[0], flush=True)
        begin = time.monotonic()
        try:
            if rows := ROWS.get(name):
                with folder() as path:
                    module.check(Logs(path / "logs", rows))
            else:
                module.check()
            print(f"    {time.monotonic() - begin:.0f} s", flush=True)
        except Skipped as why:
            skipped += 1
            print(f"    SKIPPED: {why}", flush=True)
        except Failed as why:
            failed += 1
            print(f"    FAILED: {why}", flush=True)
        except Exception:
            failed += 1
            traceback.print_exc()
    print(f"recipes: {len(sys.argv) - 1 - failed - skipped} checks passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


main()
