"""What is installed inside each CRM."""
