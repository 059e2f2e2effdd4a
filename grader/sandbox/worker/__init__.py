"""All that runs in a student's process. Imports nothing of ours but itself, and knows no answer."""
