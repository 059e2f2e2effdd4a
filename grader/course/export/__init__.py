"""Exports of a class's rows for other systems: pure functions of Rows. `sheet` has what tables share."""
