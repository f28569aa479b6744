"""Deliveries as couriers see them: tasks, scans, and the way from a scanned code to its letter."""
