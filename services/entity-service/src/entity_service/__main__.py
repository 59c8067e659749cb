"""`python -m entity_service run | migrate | health`."""

from contracts.kit.command_line import run_service


def main() -> None:
    run_service("entity_service")


if __name__ == "__main__":
    main()
