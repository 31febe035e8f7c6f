# SPDX-License-Identifier: GPL-2.0
"""The guest harness: guests, command line, supervision, verdict."""
