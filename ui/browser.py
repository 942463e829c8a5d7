"""What runs in the reader's browser beside Streamlit: constant scripts, one set for each language. No data goes in."""

from __future__ import annotations

import json

from hubcore.texts import Translator

from .session import LANGUAGE, LANGUAGE_COOKIE, LANGUAGE_NAMES
from .words import CONDITIONS

# - Streamlit's page says lang="en"; screen readers and hyphenation need the true one.
# - When Docker adds or removes a network, browsers on the same machine drop what they are just loading
#   (ERR_NETWORK_CHANGED): a part of Streamlit's page that did not arrive, and the font of the icons, are asked for
#   again by a reload; five times a minute at most, for the font twice.
# - On a narrow screen the sidebar covers the page: it is closed when a page was chosen there, and Streamlit, which
#   remembers that it was opened, forgets it.
# - Icons read as “check_circle icon”: those of the states get the state's word.
_SCRIPT = """<script>
document.documentElement.lang = '%(language)s';
window.__hubIcons = %(icons)s;
if (!window.__hubReload) {
  window.__hubReload = 'watching';
  const stored = (name) => JSON.parse(sessionStorage.getItem(name) ?? '[]');
  const again = (most = 5, span = 60000, name = 'hub-reloads') => {
    const recent = stored(name).filter((at) => Date.now() - at < span);
    if (window.__hubReload === 'soon' || recent.length >= most) return;
    window.__hubReload = 'soon';
    setTimeout(() => {
      sessionStorage.setItem(name, JSON.stringify([...recent, Date.now()]));
      location.reload();
    }, Math.max(0, 3000 - (Date.now() - Math.max(0, ...recent))));
  };
  window.addEventListener('vite:preloadError', () => again());
  setInterval(() => {
    const said = [...document.querySelectorAll('[data-testid="stAlertContentError"]')];
    if (said.some((box) => box.textContent.includes('dynamically imported module'))) again();
  }, 2000);
  const missing = () => [...document.fonts].some((face) => face.status === 'error' && /material/i.test(face.family));
  const checkFonts = () => { if (missing()) again(2, 3600000, 'hub-font-reloads'); };
  document.fonts.addEventListener('loadingerror', checkFonts);
  checkFonts();

  const forgetSidebar = () => {
    if (innerWidth > 768) return;
    Object.keys(localStorage).filter((key) => key.startsWith('stSidebarCollapsed'))
      .forEach((key) => localStorage.removeItem(key));
  };
  const closeSidebar = () => {
    const bar = document.querySelector('[data-testid="stSidebar"][data-collapsed="false"]');
    if (innerWidth <= 768) bar?.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  };
  addEventListener('click', (event) => setTimeout(() => {
    if (event.target.closest?.('[data-testid="stSidebarNavLink"]')) closeSidebar();
    forgetSidebar();
  }));
  forgetSidebar();

  let naming = false;
  const nameIcons = () => {
    naming = false;
    for (const icon of document.querySelectorAll('span[role="img"][aria-label]')) {
      const word = window.__hubIcons[icon.textContent];
      if (word && icon.getAttribute('aria-label') !== word) icon.setAttribute('aria-label', word);
    }
  };
  new MutationObserver(() => {
    if (!naming) { naming = true; setTimeout(nameIcons, 200); }
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
  nameIcons();
}
</script>"""

# The choice of a language: a cookie, for only that reaches the server with the page's first request. It holds two
# letters. Where the address names a language, that follows; no new entry comes into the history.
_REMEMBER = """<script>
document.cookie = '%(cookie)s=%(language)s; path=/; max-age=31536000; samesite=lax';
(() => {
  const there = new URL(location.href);
  if (!there.searchParams.has('%(parameter)s')) return;
  there.searchParams.set('%(parameter)s', '%(language)s');
  history.replaceState(history.state, '', there);
})();
</script>"""


def _fill(script: str, language: str) -> str:
    words = Translator(language)
    icons = {look.icon: words.text(look.word) for look in CONDITIONS.values()}
    return script % {
        "language": language,
        "icons": json.dumps(icons),
        "cookie": LANGUAGE_COOKIE,
        "parameter": LANGUAGE,
    }


SCRIPTS = {language: _fill(_SCRIPT, language) for language in LANGUAGE_NAMES}
REMEMBER = {language: _fill(_REMEMBER, language) for language in LANGUAGE_NAMES}
