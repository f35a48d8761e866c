# SPDX-License-Identifier: Apache-2.0
"""Made-up people who act, written in the official on-disk formats.

`perform.perform` gives the clean joints of one performance, `write.synthesize` a whole data set. A score (`motion`,
written by the programs of `actions`) says where hands and feet are when; `kinematics` turns it into joints of a body
(`bodies`); a `sensor` looks on; `write` puts down what it saw.
"""
