"""The dashboard's pages. Run by server.py; `streamlit run app.py` also works, on this machine only."""

import streamlit as st

from ui import shell

shell.configure()
page = st.navigation(shell.pages(), expanded=True)
shell.frame(page)
page.run()
