"""The worker process: the Faust app, its web server, metrics and watchdog."""
