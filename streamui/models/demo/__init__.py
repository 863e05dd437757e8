"""The demo model: a small server that speaks OpenAI's wire formats, without a key.

It is embedded where no key is set, and runs alone with ``python -m streamui.models.demo``. Its
answers are deterministic. They can be steered by plain sentences, for demos and tests::

    Write 300 words about rivers at 60 words per second
    Write 100 words about tea at 30 words per second, fail with 429 after 20 words
    Write 100 words about tea, stall after 20 words
    Write 100 words about tea, cut the connection after 20 words
    Write 100 words about tea, send nonsense after 20 words
    Write 2000 tokens of 5 characters at 200 tokens per second
    Think first, then write 50 words about tea as fast as you can
    Refuse to write about tea
    Write 100 words about tea, let it expire after 20 words   (a thread's run)

When a request has functions it calls those that fit such a sentence, once for each thing that is
asked, and when it has a schema the answer is an instance of it::

    What is the weather in Rome and in Oslo?
    Give me a recipe for tomato soup for 6 servings

A response asked for with ``background=True`` goes on when its connection is cut: each of its
connections is cut after so many words.
"""

from streamui.models.demo.host import DemoServer, server, stop
from streamui.models.demo.stats import Stats

__all__ = ["DemoServer", "Stats", "server", "stop"]
