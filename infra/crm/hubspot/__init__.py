"""What is installed inside HubSpot."""
