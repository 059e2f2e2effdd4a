"""The code that runs in a student's process. It imports no other room of the grader, and knows no answer."""
