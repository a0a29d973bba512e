"""Made by generate.sh from proto/; do not edit."""
