"""The parts of bench/relay/run: what is run (subjects, settings), how (measure), and what came of it (results,
analysis, goals, charts, report)."""
