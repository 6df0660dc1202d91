"""The use cases, one file each. They see the cloud and the CRM through ports only."""
