"""What every stand-in CRM is made of: a server, trouble, time, deliveries. Nothing of any CRM."""
