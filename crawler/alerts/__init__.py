"""Telling people: which stories are new, which sites fell silent, by Apprise or by signed webhook."""
