"""Ways to run the engine behind one interface: `run(job) -> Result`."""
