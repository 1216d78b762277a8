"""Door: the shell. Reads arguments and the clock, calls flows, and shows what came of it.

Exit codes: 0 done; 1 something is not as expected (stories, doctor, messages); 2 wrong usage; 3 invalid input;
4 not found; 5 conflict; 6 forbidden; 130 interrupted.
"""
