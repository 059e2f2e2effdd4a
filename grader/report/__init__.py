"""Pure functions of a Report: text for the terminal, JSON for machines, HTML with plots for reading."""
