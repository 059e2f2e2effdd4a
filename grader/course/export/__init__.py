"""The class's lines as other systems take them: pure functions of Rows. What all formats share is in `sheet`."""
