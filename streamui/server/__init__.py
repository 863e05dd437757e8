"""Runs of server functions: started, stopped, limited, and closed without a remainder."""
