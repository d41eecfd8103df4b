"""The parts of docker-compose.yaml on this machine, without Docker."""
