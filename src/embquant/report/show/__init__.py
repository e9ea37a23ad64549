"""How reports are shown: tables, page and figures."""
