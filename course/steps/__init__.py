"""One folder for each step: page, engine (what the step adds), checks with their probes, hints."""
