"""What is installed inside Salesforce."""
