"""What Zoho CRM is asked for. Nothing is uploaded: its webhooks are made through its API."""
